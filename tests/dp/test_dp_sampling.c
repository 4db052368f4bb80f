#include <stdio.h>
#include "harness.h"
#include "dp.h"
static void t(void){
    fed_noise nz; uint8_t key[32]={1}; fed_error err;
    CHECK_OK(fed_noise_init(&nz,key,&err),&err);
    double sig[]={0.5,1,3,7.3,16,500,1144.3,1e6,1e9,0};
    static int64_t out[1<<20];
    for(int i=0;sig[i];i++) for(int k=1;k<=3;k++){
        if(k==2&&sig[i]<1) continue; if(k==3&&sig[i]>4000) continue;
        fed_sampler*s; int64_t t0=fed_clock_monotonic_ns();
        CHECK_OK(fed_sampler_new(&s,k,sig[i],&err),&err);
        int64_t t1=fed_clock_monotonic_ns();
        size_t n=1<<20; CHECK_OK(fed_sampler_fill(s,&nz,out,n,&err),&err);
        int64_t t2=fed_clock_monotonic_ns();
        double m=0,v=0,q=0; for(size_t j=0;j<n;j++){double x=out[j];m+=x;v+=x*x;q+=x*x*x*x;} m/=n;v/=n;q/=n;
        printf("kind %d sigma %g init %.2f ms  %.1f M/s mean/sd %.4f var/s2 %.5f kurt %.3f dist %.1f\n",k,sig[i],(t1-t0)/1e6,n/((t2-t1)/1e3),m/sqrt(v),v/sig[i]/sig[i],q/v/v,fed_sampler_distance_log2(s));
        fed_sampler_free(s);
    }
    fed_noise_fini(&nz);
}
int main(void){ static const fed_case c[]={CASE(t)}; return fed_run("dp_sampling",c,1);}
